SELECT id, lease, current_setting('fsync'), current_setting('synchronous_commit') FROM namespaces WHERE name = %(name)s
