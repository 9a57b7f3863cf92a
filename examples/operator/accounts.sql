-- A database with the table of OpenSIPS and Kamailio, a role that may read it, and two users.
CREATE ROLE parley_walk LOGIN PASSWORD 'change-me';
CREATE DATABASE parley_walk;
\c parley_walk
CREATE TABLE subscriber (
  username VARCHAR(64) NOT NULL,
  domain VARCHAR(64) NOT NULL,
  password VARCHAR(64) NOT NULL DEFAULT '',
  ha1 VARCHAR(64) NOT NULL DEFAULT '',
  UNIQUE (username, domain)
);
GRANT SELECT ON subscriber TO parley_walk;
INSERT INTO subscriber (username, domain, password)
VALUES ('alice', 'alpha.localhost', 'wonderland'), ('bob', 'beta.localhost', 'builder');
