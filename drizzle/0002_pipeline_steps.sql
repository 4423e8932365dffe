ALTER TABLE `pipeline_hosts` ADD `steps` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `pipelines` ADD `stop_on_failure` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `pipelines` ADD `state` text DEFAULT '{"prelude":null,"halt":null}' NOT NULL;