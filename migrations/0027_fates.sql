-- What became of a copy, in words. fate_kind: of a bounce, whether the address is bad for good; NULL where nobody said,
-- which counts as hard. fate_short: what the badge says after "Bounced:". fate_words: what that means and what to do.
-- fate_detail: the words of who told it. delayed_at: when a mail server last said that it tries again; beside the fate,
-- because a delay is no fate.
ALTER TABLE email_recipients
    ADD COLUMN fate_kind ENUM('hard', 'soft') CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN fate_short VARCHAR(60) NOT NULL DEFAULT '',
    ADD COLUMN fate_words VARCHAR(300) NOT NULL DEFAULT '',
    ADD COLUMN fate_detail VARCHAR(500) NOT NULL DEFAULT '',
    ADD COLUMN delayed_at DATETIME(6) NULL,
    ADD COLUMN delayed_detail VARCHAR(500) NOT NULL DEFAULT '';
