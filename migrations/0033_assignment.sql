-- is_away: rules give this user no tickets.
ALTER TABLE users ADD COLUMN is_away TINYINT(1) NOT NULL DEFAULT 0;

-- Who gets new tickets that nobody has. The first rule that fits, in the order of `position`, and has somebody to give to,
-- decides. last_user_id: who got the last one; the row is locked while the next one is chosen, so that it is fair.
CREATE TABLE assignment_rules (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    position INT NOT NULL,
    name VARCHAR(100) NOT NULL,
    last_user_id INT NULL,
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    KEY assignment_rules_position (position, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- A rule fits where one of its conditions does, or where it has none. value: the id of a mailbox or department, or a tag as
-- app/tags/rules.py writes it.
CREATE TABLE assignment_conditions (
    rule_id INT NOT NULL,
    kind ENUM('mailbox', 'department', 'tag') NOT NULL,
    value VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (rule_id, kind, value),
    CONSTRAINT assignment_conditions_rule FOREIGN KEY (rule_id) REFERENCES assignment_rules (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE assignment_agents (
    rule_id INT NOT NULL,
    user_id INT NOT NULL,
    PRIMARY KEY (rule_id, user_id),
    KEY assignment_agents_user (user_id),
    CONSTRAINT assignment_agents_rule FOREIGN KEY (rule_id) REFERENCES assignment_rules (id) ON DELETE CASCADE,
    CONSTRAINT assignment_agents_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
