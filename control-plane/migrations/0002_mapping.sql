ALTER TABLE `migrations` ADD `mapping` text;--> statement-breakpoint
ALTER TABLE `migrations` ADD `manifest` text;