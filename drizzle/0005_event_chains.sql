ALTER TABLE `events` ADD `chain` text DEFAULT 'main' NOT NULL;--> statement-breakpoint
CREATE INDEX `events_chain` ON `events` (`chain`);