/// What is wrong with flags, or a configuration file, that can be read but not be carried out.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
