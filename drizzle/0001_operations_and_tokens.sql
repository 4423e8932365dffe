CREATE TABLE `agent_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`host_id` text NOT NULL,
	`scheme` text NOT NULL,
	`token_hash` text NOT NULL,
	`origin` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`last_used_at` integer,
	`expires_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agent_tokens_hash` ON `agent_tokens` (`token_hash`);--> statement-breakpoint
CREATE INDEX `agent_tokens_host` ON `agent_tokens` (`host_id`);--> statement-breakpoint
CREATE TABLE `enrolment_codes` (
	`code_hash` text PRIMARY KEY NOT NULL,
	`host_name` text,
	`created_at` integer NOT NULL,
	`created_by` text NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	`used_by_host_id` text
);
--> statement-breakpoint
CREATE TABLE `pipeline_hosts` (
	`pipeline_id` text NOT NULL,
	`host_id` text NOT NULL,
	`host_name` text NOT NULL,
	`position` integer NOT NULL,
	`stage` integer NOT NULL,
	`status` text NOT NULL,
	`command_id` text,
	`reason` text NOT NULL,
	PRIMARY KEY(`pipeline_id`, `host_id`),
	FOREIGN KEY (`pipeline_id`) REFERENCES `pipelines`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `pipelines` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`stages` text NOT NULL,
	`args` text,
	`request_id` text NOT NULL,
	`parallelism` integer NOT NULL,
	`forced` integer NOT NULL,
	`phase` text NOT NULL,
	`outcome` text,
	`reason` text NOT NULL,
	`user_id` text NOT NULL,
	`user_name` text NOT NULL,
	`address` text NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	CONSTRAINT "pipelines_ended" CHECK(("pipelines"."outcome" is null) = ("pipelines"."phase" <> 'ended'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `pipelines_request` ON `pipelines` (`request_id`);--> statement-breakpoint
CREATE INDEX `pipelines_created` ON `pipelines` (`created_at`);--> statement-breakpoint
ALTER TABLE `commands` ADD `args` text;--> statement-breakpoint
ALTER TABLE `commands` ADD `pipeline_id` text;--> statement-breakpoint
ALTER TABLE `commands` ADD `import_note` text;--> statement-breakpoint
ALTER TABLE `events` ADD `import_note` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `approval` text DEFAULT 'approved' NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` ADD `device_id` text DEFAULT '' NOT NULL;