CREATE TABLE `command_output` (
	`command_id` text NOT NULL,
	`first_seq` integer NOT NULL,
	`last_seq` integer NOT NULL,
	`lines` text NOT NULL,
	PRIMARY KEY(`command_id`, `first_seq`),
	FOREIGN KEY (`command_id`) REFERENCES `commands`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `commands` (
	`id` text PRIMARY KEY NOT NULL,
	`host_id` text NOT NULL,
	`operation` text NOT NULL,
	`phase` text NOT NULL,
	`state` text NOT NULL,
	`outcome` text,
	`request_id` text NOT NULL,
	`target_id` text,
	`forced` integer NOT NULL,
	`user_id` text NOT NULL,
	`user_name` text NOT NULL,
	`address` text NOT NULL,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	`exit_code` integer,
	`reason` text NOT NULL,
	`lines` integer NOT NULL,
	`agent_seq` integer NOT NULL,
	`output_size` integer NOT NULL,
	`output_truncated` integer NOT NULL,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "commands_ended" CHECK(("commands"."outcome" is null) = ("commands"."phase" <> 'ended'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `commands_request` ON `commands` (`host_id`,`request_id`);--> statement-breakpoint
CREATE INDEX `commands_host_created` ON `commands` (`host_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `commands_unended` ON `commands` (`host_id`) WHERE "commands"."outcome" is null;--> statement-breakpoint
CREATE INDEX `commands_host_ended` ON `commands` (`host_id`,`ended_at`) WHERE "commands"."ended_at" is not null;--> statement-breakpoint
CREATE INDEX `commands_with_output` ON `commands` (`ended_at`,`output_size`,`lines`) WHERE "commands"."ended_at" is not null and "commands"."output_size" > 0;--> statement-breakpoint
CREATE TABLE `events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`category` text NOT NULL,
	`level` text NOT NULL,
	`action` text NOT NULL,
	`actor_kind` text NOT NULL,
	`actor` text NOT NULL,
	`user_id` text,
	`address` text NOT NULL,
	`host_id` text,
	`host_name` text NOT NULL,
	`command_id` text,
	`outcome` text NOT NULL,
	`message` text NOT NULL,
	`data` text NOT NULL,
	`prev_hash` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_host` ON `events` (`host_id`,`id`);--> statement-breakpoint
CREATE INDEX `events_category` ON `events` (`category`,`id`);--> statement-breakpoint
CREATE TABLE `hosts` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`type` text NOT NULL,
	`location` text NOT NULL,
	`device_type` text NOT NULL,
	`theme_color` text NOT NULL,
	`theme_color_pinned` integer NOT NULL,
	`criticality` text NOT NULL,
	`comment` text NOT NULL,
	`agent_version` text NOT NULL,
	`protocol` integer NOT NULL,
	`os_version` text NOT NULL,
	`os_name` text NOT NULL,
	`nixpkgs_version` text NOT NULL,
	`generation` text NOT NULL,
	`repo_url` text NOT NULL,
	`repo_dir` text NOT NULL,
	`source_commit` text NOT NULL,
	`store_path` text NOT NULL,
	`binary_hash` text NOT NULL,
	`lock_hash` text NOT NULL,
	`heartbeat_interval_s` real NOT NULL,
	`lock` text,
	`system` text,
	`tests` text,
	`metrics` text,
	`metrics_at` integer,
	`created_at` integer NOT NULL,
	`last_seen_at` integer,
	`import_note` text,
	CONSTRAINT "hosts_criticality" CHECK("hosts"."criticality" in ('low', 'medium', 'high'))
);
--> statement-breakpoint
CREATE INDEX `hosts_name` ON `hosts` (`name`);--> statement-breakpoint
CREATE TABLE `metric_samples` (
	`host_id` text NOT NULL,
	`at` integer NOT NULL,
	`cpu` real,
	`ram` real,
	`swap` real,
	`load` real,
	PRIMARY KEY(`host_id`, `at`),
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `recovery_codes` (
	`user_id` text NOT NULL,
	`code_hash` text NOT NULL,
	`used_at` integer,
	PRIMARY KEY(`user_id`, `code_hash`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id_hash` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`proven_at` integer NOT NULL,
	`address` text NOT NULL,
	`user_agent` text NOT NULL,
	`revoked_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sessions_expires` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `settings` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `throttles` (
	`bucket` text PRIMARY KEY NOT NULL,
	`failures` integer NOT NULL,
	`first_at` integer NOT NULL,
	`last_at` integer NOT NULL,
	`blocked_until` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `totp_steps` (
	`secret_hash` text PRIMARY KEY NOT NULL,
	`last_step` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`role` text DEFAULT 'operator' NOT NULL,
	`password_hash` text,
	`totp_secret` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
