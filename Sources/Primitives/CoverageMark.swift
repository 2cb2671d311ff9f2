/// A branch that is taken rarely, and that the simulation must have taken: a long run that never reached one is a finding.
///
/// The catalogue is here, and not beside each branch, so that what was never reached can be told.
package enum CoverageMark: Int, CaseIterable, Sendable {
    /// A follower's hint after a refused append saved the leader from going back entry by entry.
    case raftRejectHintUsed
    /// A refusal came of an append from before what the member has accepted since.
    case raftOldRefusalPassedOver
    /// A member that was sent entries at full speed could not be reached.
    case raftUnreachableProbed
    /// A snapshot could not be sent, and the leader goes back to asking.
    case raftSnapshotFailed
    /// A candidate is not heard while there is a leader.
    case raftVoteIgnoredInLease
    /// Who asks whether it would be elected gets no answer while there is a leader.
    case raftQuestionIgnoredInLease
    /// A leader of an earlier term is told of this one.
    case raftOldLeaderAnswered
    /// One that asks with an earlier term is told of this one.
    case raftOldQuestionRefused
    /// An append begins before what is committed here.
    case raftAppendBehindCommit
    /// Entries of an earlier leader that were never committed are replaced.
    case raftEntriesReplaced
    /// A refusal taught a candidate what is committed.
    case raftCommitLearned
    /// A snapshot comes of what is committed here, or without this member.
    case raftSnapshotUseless
    /// A snapshot comes whose entry the log has.
    case raftSnapshotInLog
    /// A quorum refused a candidate.
    case raftElectionLost
    /// A member does not stand while a change of the members is committed and not applied.
    case raftStandPutOff
    /// A member votes once more for whom it has voted.
    case raftVoteRepeated
    /// A leader had another member stand.
    case raftTransferElection
    /// A leader that hears no quorum stepped down.
    case raftQuorumLost
    /// A quorum has an entry of an earlier term, which is not committed by that.
    case raftEarlierTermNotCommitted
    /// A proposal is refused while the lead is handed over.
    case raftProposalDuringTransfer
    /// A change of the members that was passed on cannot be made now.
    case raftForwardedChangeEmptied
    /// A proposal is passed on once more, by a member that led when it was sent.
    case raftProposalPassedOn
    /// A read is passed on once more, by a member that led when it was sent.
    case raftReadPassedOn
    /// A leader that was removed stepped down once a quorum knew.
    case raftVotelessLeaderLeft
    /// A snapshot arrives of what this member has by now.
    case nodeSnapshotOfNothingNew
    /// A snapshot arrives while another is installed.
    case nodeSnapshotWaits
    /// Raft has no use for a snapshot any more once it is open.
    case nodeSnapshotOvertaken
    /// A snapshot is in place before a commit of the store is done that it replaces.
    case nodeInstallationWaitsForCommit
    /// A store is replaced while it is defragmented.
    case nodeInstalledDuringDefragmentation
    /// A crash ended an installation between the log and the store's file.
    case nodeInstallationFinishedAtStart
    /// A file that came with a snapshot is of no use at the next start.
    case nodeReceivedFileRemovedAtStart
    /// A crash right after the log was made took the first entries.
    case nodeFirstEntriesLost
    /// The store knows of a later commit than the log, whose last state was not synced.
    case nodeCommitLost
    /// A read index was asked for once more, since no answer came.
    case nodeReadAskedAgain
    /// Reads waited for a leader that is none any more.
    case nodeReadsOfLastLeaderFailed
    /// A leader that leads no more stops ending leases.
    case nodeLeaseClockStopped
    /// A renewal comes when the time of its lease is over.
    case nodeRenewalTooLate
    /// An expired lease could not be revoked at once.
    case nodeRevocationTriedAgain
    /// The leader that was asked about a lease did not know, or did not answer.
    case nodeLeaderAskedAgain
    /// A member came to lead while it wanted to ask the leader.
    case nodeBecameLeaderItAsks
    /// A proposal waits for a leader.
    case nodeProposalHeld
    /// A client waits until a compaction is done and on disk.
    case nodeCompactionWaited
    /// Apply, or the store's file, lags so much that requests are refused.
    case nodeTooManyRequests
    /// Two members are sent the same snapshot.
    case nodeSnapshotFileShared
    /// A member that was to be sent a snapshot has caught up, or this one leads no more.
    case nodeSnapshotNoLongerWanted
    /// A compaction is asked for before the last is done.
    case mvccCompactionQueued
    /// All history was compacted, up to the present.
    case mvccCompactedToThePresent
    /// A compaction took more than one slice.
    case mvccCompactionInSlices
    /// A compaction that a crash interrupted is taken up.
    case mvccCompactionTakenUp
    /// A watcher begins before what is compacted.
    case watchCompactedAtOnce
    /// A compaction took what a watcher was yet to read.
    case watchCompactedOnTheWay
    /// Events left the log before a watcher took them.
    case watchFellBehind
    /// A stream can hold no more of what a walk finds.
    case watchBlockedInWalk
    /// Progress that was promised to a stream is not true any more.
    case watchProgressVoid
    /// A watcher has more events than one message takes.
    case watchTurnKept
    /// A watcher has more events in the log than it notes.
    case watchLogSearched
    /// A new leader gives a lease what its last checkpoint left of it.
    case leaseCheckpointCounts
    /// The remains of an interrupted write were cut off a log.
    case walTornTailCut
    /// A crash left entries of a batch without its state.
    case walBatchInterrupted
    /// A log has entries that a snapshot took the place of.
    case walEntriesBeforeSnapshotDropped
    /// A log is read in which entries replace others.
    case walEntriesReplaced
    /// A snapshot made segments of the log needless.
    case walSegmentsReleased
    /// A segment that was made ahead is left from before a crash.
    case walPreparedSegmentLeft
    /// One of a file's two meta pages is torn, and the other counts.
    case boltOneMetaLost
    /// The checksums of a file are lost, or do not belong to it.
    case boltChecksumsMadeAnew
    /// Two pages that had become thin were merged.
    case boltPagesMerged
    /// A bucket became so small that it is kept in the page above.
    case boltBucketPutInline
    /// A defragmentation emptied a stretch of pages for a node that fitted nowhere.
    case boltStretchEmptied
    /// A defragmentation cut the end of the file off.
    case boltFileCutOff
    /// A request was carried out although there is no space left, and refused.
    case applyOutOfSpace
    /// A lease ended, and its keys with it.
    case applyLeaseWithKeysEnded
    /// A snapshot is found of which the log does not know: it is older, or its record was lost.
    case snapshotFileUnrecorded
    /// What a crash left of a snapshot is removed at the start.
    case snapshotLeftoversRemoved
}

/// Notes that a rare branch was taken. Nothing, not even a call, outside builds with the trait `Simulation`.
@inline(__always) package func reached(_ mark: CoverageMark) {
    #if Simulation
    unsafe Coverage.counts[mark.rawValue] += 1
    #endif
}

#if Simulation
/// How often each branch was taken in this process.
package enum Coverage {
    // One thread: the simulation has no other.
    nonisolated(unsafe) package static var counts = [Int](repeating: 0, count: CoverageMark.allCases.count)
}
#endif
