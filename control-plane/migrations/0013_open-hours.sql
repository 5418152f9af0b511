ALTER TABLE `schedules` ADD `starts` text DEFAULT 'pass' NOT NULL;--> statement-breakpoint
ALTER TABLE `schedules` ADD `at` text;--> statement-breakpoint
ALTER TABLE `schedules` ADD `window` text;--> statement-breakpoint
ALTER TABLE `schedules` ADD `blackouts` text DEFAULT '[]' NOT NULL;