/// Random numbers from the operating system, fit for secrets.
package struct RealEntropy: RandomNumberGenerator, Sendable {
    private var generator = SystemRandomNumberGenerator()

    package init() {}

    package mutating func next() -> UInt64 {
        generator.next()
    }
}
