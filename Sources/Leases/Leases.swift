// Leases: grants, attached keys, revocation.
