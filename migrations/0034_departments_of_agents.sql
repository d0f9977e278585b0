-- The departments that an agent is limited to; an agent without a row here sees all of them, and admins always do.
-- A department cannot go while somebody is limited to it: without its row they would see everything.
CREATE TABLE user_departments (
    user_id INT NOT NULL,
    department_id INT NOT NULL,
    PRIMARY KEY (user_id, department_id),
    KEY user_departments_department (department_id),
    CONSTRAINT user_departments_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_departments_department FOREIGN KEY (department_id) REFERENCES departments (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
