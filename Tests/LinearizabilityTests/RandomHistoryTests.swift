import Environment
import EtcdMessages
import Linearizability
import Primitives
import Testing

/// The checker against the definition, and its speed.
@Suite struct RandomHistoryTests {
    @Test func whatAStoreAnswersIsLinearizable() {
        var entropy = SeededEntropy(seed: 1)
        for _ in 0..<300 {
            let history = RandomHistory(operationCount: 40, keyCount: 3).make(&entropy)
            let verdict = LinearizabilityChecker().check(history)
            guard case .linearizable = verdict else {
                Issue.record("\(verdict)")
                return
            }
        }
    }

    /// Histories of seven operations, sound ones and ones with a lie in them, judged as trying all orders does.
    @Test func everyVerdictIsThatOfTheDefinition() {
        var entropy = SeededEntropy(seed: 2)
        var counts = [true: 0, false: 0]
        for _ in 0..<3000 {
            var history = RandomHistory(operationCount: 7, unknownPercent: 50, valueCount: 3).make(&entropy)
            if entropy.next() % 4 > 0 { history.spoil(&entropy) }
            let truth = BruteForce.isLinearizable(history)
            let verdict = LinearizabilityChecker().check(history)
            counts[truth, default: 0] += 1
            switch verdict {
            case .linearizable: #expect(truth, "\(history)")
            case .violated(let text): #expect(!truth, "\(text): \(history)")
            case .gaveUp(let text): Issue.record("\(text)")
            }
        }
        #expect(counts[true, default: 0] > 500 && counts[false, default: 0] > 500, "\(counts)")
    }

    /// Ten clients, ten thousand operations, one in twenty of unknown outcome.
    @Test func tenThousandOperationsTakeFewSteps() {
        var entropy = SeededEntropy(seed: 3)
        let history = RandomHistory(clientCount: 10, operationCount: 10_000, keyCount: 10, unknownPercent: 5)
            .make(&entropy)
        let verdict = LinearizabilityChecker().check(history)
        guard case .linearizable(let found) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(found.stepCount < 100_000, "\(found.stepCount)")
    }

    /// Many equal writes of unknown outcome on one key: the memory of states keeps the search short.
    @Test func equalWritesAreOneToTheSearch() {
        var entropy = SeededEntropy(seed: 4)
        for _ in 0..<20 {
            let history = RandomHistory(
                clientCount: 10, operationCount: 600, keyCount: 1, unknownPercent: 60, valueCount: 2
            ).make(&entropy)
            guard case .linearizable = LinearizabilityChecker().check(history) else {
                Issue.record("not linearizable, or given up")
                return
            }
        }
    }

    @Test func itGivesUpAtItsBounds() {
        var entropy = SeededEntropy(seed: 5)
        let history = RandomHistory(operationCount: 100).make(&entropy)
        var checker = LinearizabilityChecker()
        checker.maxStepCount = 3
        guard case .gaveUp = checker.check(history) else {
            Issue.record("it did not give up")
            return
        }
    }
}
