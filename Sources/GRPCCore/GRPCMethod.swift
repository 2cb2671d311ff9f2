/// A method that the server offers.
package struct GRPCMethod: Hashable, Sendable {
    /// How many messages go each way.
    package enum Kind: Hashable, Sendable {
        /// One request, one reply.
        case unary
        /// One request, any number of messages in answer.
        case serverStream
        /// Any number of messages each way, in any order.
        case bidirectional
    }

    /// The path of the HTTP/2 request: `/package.Service/Method`.
    package let path: String
    package let kind: Kind
    /// How many calls of this method the core may hand over before it is asked again.
    ///
    /// A completion costs a little more the more requests are outstanding in the whole server, for the core searches them
    /// linearly: many for the methods that are called all the time, few for the rest. A call beyond the number is not
    /// refused but waits in the core until the next round of the loop.
    package let outstandingRequests: Int

    package init(path: String, kind: Kind, outstandingRequests: Int = 2) {
        self.path = path
        self.kind = kind
        self.outstandingRequests = outstandingRequests
    }
}

/// Names a method by its position in the list the server was made with.
package struct MethodIndex: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }
    package init(_ value: Int) { self.rawValue = value }
}
