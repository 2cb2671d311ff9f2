// One member's core: Raft, log, apply and reads joined under the ordering rules.
