CREATE TABLE `audit` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`workspace_id` text NOT NULL,
	`at` integer NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_id` text NOT NULL,
	`actor_name` text NOT NULL,
	`address` text,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`before` text,
	`after` text
);
--> statement-breakpoint
CREATE INDEX `audit_newest` ON `audit` (`workspace_id`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency` (
	`workspace_id` text NOT NULL,
	`caller` text NOT NULL,
	`key` text NOT NULL,
	`digest` text NOT NULL,
	`at` integer NOT NULL,
	`status` integer NOT NULL,
	`body` text,
	`etag` text,
	PRIMARY KEY(`workspace_id`, `caller`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_oldest` ON `idempotency` (`at`);--> statement-breakpoint
CREATE TRIGGER `audit_is_not_edited` BEFORE UPDATE ON `audit` BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
--> statement-breakpoint
CREATE TRIGGER `audit_is_not_erased` BEFORE DELETE ON `audit` WHEN EXISTS (SELECT 1 FROM `workspaces` WHERE `id` = OLD.`workspace_id`) BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
