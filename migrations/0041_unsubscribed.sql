-- Who unsubscribed by our own link stands in the one list of suppressed addresses, as those whom a provider tells of do.
-- contact_id: who decided, where that is known: it holds for all their addresses. mailing: the mails whose link it was.
ALTER TABLE suppressions
    ADD COLUMN contact_id INT NULL,
    ADD COLUMN mailing VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
ALTER TABLE suppressions ADD KEY suppressions_contact (contact_id);
ALTER TABLE suppressions ADD KEY suppressions_mailing (mailing);

-- A line that was taken off comes back for what was decided after that; one that stands for another reason stays. Of the
-- erased there is a plain SHA-256 only, which is looked up as the keyed ones are.
INSERT INTO suppressions
       (email, email_hash, scope, reason, source, detail, since, contact_id, mailing, created_at)
SELECT IF(LENGTH(u.email) = CHAR_LENGTH(u.email), LOWER(u.email), NULL),
       IF(LENGTH(u.email) = CHAR_LENGTH(u.email), NULL, u.email_hash),
       'announcements', 'unsubscribed', 'link',
       IF(u.source = 'one-click', 'One click in their mail program', 'On the page that the link opens'),
       u.happened_at, u.contact_id, CONCAT('announcement:', u.announcement_id), u.happened_at
  FROM announcement_unsubscribes AS u
    ON DUPLICATE KEY UPDATE
       contact_id = COALESCE(VALUES(contact_id), suppressions.contact_id),
       mailing = IF(suppressions.removed_at < VALUES(since) OR suppressions.reason = 'unsubscribed',
                    VALUES(mailing), suppressions.mailing),
       source = IF(suppressions.removed_at < VALUES(since), VALUES(source), suppressions.source),
       detail = IF(suppressions.removed_at < VALUES(since), VALUES(detail), suppressions.detail),
       reason = IF(suppressions.removed_at < VALUES(since), VALUES(reason), suppressions.reason),
       removed_by = IF(suppressions.removed_at < VALUES(since), NULL, suppressions.removed_by),
       removed_at = IF(suppressions.removed_at < VALUES(since), NULL, suppressions.removed_at);

DROP TABLE IF EXISTS announcement_unsubscribes;
