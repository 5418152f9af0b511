CREATE TABLE `limits` (
	`workspace_id` text NOT NULL,
	`endpoint` text NOT NULL,
	`limit` text NOT NULL,
	`updated_at` integer NOT NULL,
	`revision` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `endpoint`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `migrations` ADD `priority` text DEFAULT 'normal' NOT NULL;--> statement-breakpoint
ALTER TABLE `migrations` ADD `revision` integer DEFAULT 1 NOT NULL;