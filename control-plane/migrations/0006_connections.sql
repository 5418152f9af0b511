CREATE TABLE `connections` (
	`workspace_id` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`endpoint` text,
	`region` text,
	`path_style` integer,
	`requester_pays` integer NOT NULL,
	`sites` text NOT NULL,
	`credential` text NOT NULL,
	`secret_version` integer NOT NULL,
	`revision` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `id`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `sealed_copies` (
	`workspace_id` text NOT NULL,
	`connection` text NOT NULL,
	`agent` text NOT NULL,
	`version` integer NOT NULL,
	`envelope` text NOT NULL,
	`sealed_by` text NOT NULL,
	`sealed_at` integer NOT NULL,
	PRIMARY KEY(`workspace_id`, `connection`, `agent`),
	FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action
);
