/// Stops the process unless `condition` holds. Stays on in release builds.
///
/// Only for our own invariants: whatever a client, a peer or a disk can cause must be an error instead.
@inlinable @inline(__always)
package func assertAlways(
    _ condition: @autoclosure () -> Bool,
    _ message: @autoclosure () -> String = "",
    file: StaticString = #file,
    line: UInt = #line
) {
    if !condition() {
        preconditionFailure("broken invariant: \(message())", file: file, line: line)
    }
}

/// Stops the process at a place that our own logic says cannot be reached.
package func unreachable(_ message: String, file: StaticString = #file, line: UInt = #line) -> Never {
    preconditionFailure("unreachable: \(message)", file: file, line: line)
}
