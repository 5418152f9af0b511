-- The one workspace that there is until there are several.
INSERT OR IGNORE INTO `workspaces` (`id`, `name`, `created_at`) VALUES ('local', 'local', 0);
