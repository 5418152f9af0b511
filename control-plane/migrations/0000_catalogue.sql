CREATE TABLE `agents` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`host` text NOT NULL,
	`site` text NOT NULL,
	`version` text NOT NULL,
	`seen_at` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `migrations` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`source` text NOT NULL,
	`destination` text NOT NULL,
	`filter` text NOT NULL,
	`created_at` integer NOT NULL,
	`pass` text,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `migrations_newest` ON `migrations` (`workspace_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `workspaces` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL
);
