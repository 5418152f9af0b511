-- What the control plane of commit 71907aa (protocol 2) left on disk when it was killed in the middle of a pass: its SQLite files as SQL, made by
-- that commit's own code. Sixty objects of ten bytes, a00 to a59, in six packets: one is done, one has failed once and waits, two are leased to
-- an agent that is gone, two were never leased. `@SOURCE@` and `@DESTINATION@` stand for the directories, without their first slash.
-- FILE control-plane/d1/miniflare-D1DatabaseObject/18c0540f8f2906656e0c9ff00a9f65656c33076e8f40fdf4df96aefebeb66a77.sqlite
CREATE TABLE d1_migrations( id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL );
CREATE TABLE _cf_METADATA ( key INTEGER PRIMARY KEY, value BLOB );
CREATE TABLE `agents` ( `workspace_id` text NOT NULL, `id` text NOT NULL, `host` text NOT NULL, `site` text NOT NULL, `version` text NOT NULL, `seen_at` integer NOT NULL, PRIMARY KEY(`workspace_id`, `id`), FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action );
CREATE TABLE `migrations` ( `workspace_id` text NOT NULL, `id` text NOT NULL, `source` text NOT NULL, `destination` text NOT NULL, `filter` text NOT NULL, `created_at` integer NOT NULL, `pass` text, `mapping` text, `manifest` text, PRIMARY KEY(`workspace_id`, `id`), FOREIGN KEY (`workspace_id`) REFERENCES `workspaces`(`id`) ON UPDATE no action ON DELETE no action );
CREATE INDEX `migrations_newest` ON `migrations` (`workspace_id`,`created_at`);
CREATE TABLE `workspaces` ( `id` text PRIMARY KEY NOT NULL, `name` text NOT NULL, `created_at` integer NOT NULL );
INSERT INTO "d1_migrations" VALUES (1, '0000_catalogue.sql', '2026-11-21 01:29:10');
INSERT INTO "d1_migrations" VALUES (2, '0001_local-workspace.sql', '2026-11-21 01:29:10');
INSERT INTO "d1_migrations" VALUES (3, '0002_mapping.sql', '2026-11-21 01:29:10');
INSERT INTO "sqlite_sequence" VALUES ('d1_migrations', 3);
INSERT INTO "_cf_METADATA" VALUES (2, 12);
INSERT INTO "agents" VALUES ('local', 'old-agent', 'old-host', 'local', '0.1.0', 1795224550926);
INSERT INTO "migrations" VALUES ('local', 'living', '{"kind":"file","path":"/@SOURCE@","site":"local"}', '{"kind":"file","path":"/@DESTINATION@","site":"local"}', '{"include":[],"exclude":[],"only":null}', 1795224550823, '{"number":1,"state":"running","options":{"kind":"copy","dryRun":false,"delete":false,"depth":"checksum","oneWay":false,"symlinks":"skip","fidelity":{"storageClass":"keep","tags":"keep","acl":"drop","objectLock":"drop","encryption":"default","onLoss":"go-on"},"compare":"auto","serverSideCopy":"auto","archived":"fail","restoreDays":7,"restoreTier":"Standard","versions":"newest"},"startedAt":1795224550875,"endedAt":null,"surveying":true,"counts":{"objects":{"listed":0,"same":0,"copied":0,"skipped":0,"vanished":0,"failed":0,"deleted":0,"extra":0},"bytes":{"listed":0,"copied":0},"evidence":{},"dropped":{}},"expected":{"objects":0,"bytes":0},"inFlight":{"objects":0,"bytes":0},"packets":{"ready":1,"leased":0,"done":0,"parked":0,"settled":0},"agents":1,"failureCauses":[],"errors":[]}', NULL, NULL);
INSERT INTO "workspaces" VALUES ('local', 'local', 0);
-- FILE control-plane/do/dray-Fleet/c4e095f08530b6115cb0d409ece4fc7b9a8be22a5797dab12e9d738a14229a86.sqlite
CREATE TABLE active (migration TEXT PRIMARY KEY, sites TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "active" VALUES ('living', '["local"]');
-- FILE control-plane/do/dray-Migration/0095a9b5287bf9dc51800a4fbadf64302048ca7411e07a67fd5f9d41e18716e0.sqlite
CREATE TABLE upload ( id INTEGER PRIMARY KEY, packet INTEGER NOT NULL, key TEXT NOT NULL, upload TEXT, planned TEXT NOT NULL, begun INTEGER NOT NULL, stale TEXT NOT NULL, first_child INTEGER, children INTEGER NOT NULL );
CREATE TABLE config (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pass ( number INTEGER PRIMARY KEY, state TEXT NOT NULL, options TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, first_packet INTEGER NOT NULL, first_failure INTEGER NOT NULL, counters TEXT NOT NULL, told INTEGER NOT NULL );
CREATE TABLE packet ( id INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, after TEXT, through TEXT, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, generation INTEGER NOT NULL, failures INTEGER NOT NULL, error TEXT, prefer INTEGER, session INTEGER, not_before INTEGER, counts TEXT, report INTEGER, upload INTEGER, first_part INTEGER, last_part INTEGER, md5s TEXT );
CREATE TABLE failure ( id INTEGER PRIMARY KEY, packet INTEGER NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, bytes INTEGER NOT NULL );
CREATE TABLE session (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, session TEXT NOT NULL);
CREATE TABLE _cf_METADATA ( key INTEGER PRIMARY KEY, value BLOB );
INSERT INTO "config" VALUES ('definition', '{"id":"living","source":{"kind":"file","path":"/@SOURCE@","site":"local"},"destination":{"kind":"file","path":"/@DESTINATION@","site":"local"},"filter":{"include":[],"exclude":[],"only":null}}');
INSERT INTO "pass" VALUES (1, 'running', '{"kind":"copy","dryRun":false,"delete":false,"depth":"checksum","oneWay":false,"symlinks":"skip","fidelity":{"storageClass":"keep","tags":"keep","acl":"drop","objectLock":"drop","encryption":"default","onLoss":"go-on"},"compare":"auto","serverSideCopy":"auto","archived":"fail","restoreDays":7,"restoreTier":"Standard","versions":"newest"}', 1795224550875, NULL, 1, 1, '{"counts":{"objects":{"listed":10,"same":0,"copied":10,"skipped":0,"vanished":0,"failed":0,"deleted":0,"extra":0},"bytes":{"listed":100,"copied":100},"evidence":{"size+mtime":10},"dropped":{}},"expected":{"objects":60,"bytes":600},"packets":{"ready":3,"leased":2,"done":2,"parked":0,"settled":0},"surveys":0,"causes":{},"errors":{"timeout":{"packets":1,"parked":0,"error":{"code":"timeout","op":"list","message":"the disk is slow","retry":"later","hint":null}}}}', 1);
INSERT INTO "packet" VALUES (1, 'survey', 'done', NULL, NULL, 0, 0, 1, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (2, 'copy', 'done', NULL, 'a09', 10, 100, 1, 0, NULL, 1, NULL, NULL, '{"objects":{"listed":10,"same":0,"copied":10,"skipped":0,"vanished":0,"failed":0,"deleted":0,"extra":0},"bytes":{"listed":100,"copied":100},"evidence":{"size+mtime":10},"dropped":{}}', 0, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (3, 'copy', 'ready', 'a09', 'a19', 10, 100, 1, 1, 'timeout', 1, NULL, 1795224552252, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (4, 'copy', 'leased', 'a19', 'a29', 10, 100, 1, 0, NULL, 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (5, 'copy', 'leased', 'a29', 'a39', 10, 100, 1, 0, NULL, 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (6, 'copy', 'ready', 'a39', 'a49', 10, 100, 0, 0, NULL, 1, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "packet" VALUES (7, 'copy', 'ready', 'a49', NULL, 10, 100, 0, 0, NULL, 1, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "session" VALUES (1, 'old-agent', 's1');
INSERT INTO "_cf_METADATA" VALUES (1, 1795224552252000000);
-- FILE control-plane/do/dray-Migration/metadata.sqlite
CREATE TABLE _cf_ALARM ( actor_id TEXT PRIMARY KEY, scheduled_time INTEGER, actor_name TEXT ) WITHOUT ROWID;
INSERT INTO "_cf_ALARM" VALUES ('0095a9b5287bf9dc51800a4fbadf64302048ca7411e07a67fd5f9d41e18716e0', 1795224552252000000, 'local/living');
