internal import Apply
internal import Auth
internal import Node

/// A data directory that asks for something of its server which this version cannot do. It is refused whole: to serve it
/// without would give away what it protects.
enum UnservedDirectory: Error, CustomStringConvertible {
    /// Its cluster has authentication switched on.
    case authentication

    /// - Throws: if the member cannot be served as its directory demands.
    static func check(_ node: Node) throws(UnservedDirectory) {
        if node.applier.auth.isEnabled { throw .authentication }
    }

    var description: String {
        """
        authentication is switched on in the data directory, and this version of Martlet does not check users yet: \
        it will not serve their keys to everybody
        """
    }
}
