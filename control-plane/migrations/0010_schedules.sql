CREATE TABLE `schedules` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`migration` text NOT NULL,
	`cron` text NOT NULL,
	`zone` text NOT NULL,
	`options` text NOT NULL,
	`enabled` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`revision` integer NOT NULL,
	`last` text,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `schedules_of_migration` ON `schedules` (`workspace_id`,`migration`);--> statement-breakpoint
ALTER TABLE `migrations` ADD `policy` text DEFAULT '{}' NOT NULL;