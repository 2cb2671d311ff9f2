package import Primitives

/// A rule that a run broke. With the seed and the commit it can be run again.
package struct SimulationFailure: Error, CustomStringConvertible {
    /// What was found, in words.
    package var text: String
    /// The last things that happened before.
    package var trace: [String] = []
    /// What clients had asked and been told, for `martlet-sim check-history`; nil where nobody records it.
    package var recordedHistory: Bytes?

    init(_ text: String) {
        self.text = text
    }

    package var description: String { ([text] + trace.map { "  \($0)" }).joined(separator: "\n") }
}
