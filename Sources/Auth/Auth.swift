// Users, roles, permissions and tokens as the log decides them.
