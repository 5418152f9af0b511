CREATE TABLE `agents` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`site` text NOT NULL,
	`signing` text NOT NULL,
	`sealing` text NOT NULL,
	`certificate` text,
	`facts` text,
	`address` text,
	`enrolled_at` integer NOT NULL,
	`seen_at` integer,
	`twin_at` integer,
	`revoked_at` integer,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `agents_of_site` ON `agents` (`workspace_id`,`site`);--> statement-breakpoint
CREATE TABLE `join_tokens` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`site` text NOT NULL,
	`digest` text NOT NULL,
	`uses` integer NOT NULL,
	`used` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `sites` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`region` text DEFAULT '' NOT NULL,
	`labels` text DEFAULT '{}' NOT NULL,
	`root_key` text,
	`created_at` integer NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
-- Where the agent of an embedded control plane is.
INSERT OR IGNORE INTO `sites` (`workspace_id`, `id`, `created_at`) VALUES ('local', 'local', 0);
