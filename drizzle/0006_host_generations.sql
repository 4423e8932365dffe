CREATE TABLE `host_generations` (
	`host_id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`total` integer NOT NULL,
	`generations` text NOT NULL,
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade
);
