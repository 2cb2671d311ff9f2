/// Settings of a run that are not what its seed draws, by their names: `members=3,requests=40`.
package struct Overrides: Equatable, Sendable, CustomStringConvertible {
    /// In the order in which they were given; each name once.
    package private(set) var values: [(name: String, value: Int)] = []

    package init() {}

    /// nil if the text is not of the form `name=number,name=number`. Empty for none.
    package init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty, let value = Int(sides[1]) else { return nil }
            self[String(sides[0])] = value
        }
    }

    /// nil takes an override away.
    package subscript(name: String) -> Int? {
        get { values.first { $0.name == name }?.value }
        set {
            let place = values.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): values[place].value = value
            case (let place?, nil): values.remove(at: place)
            case (nil, let value?): values.append((name, value))
            case (nil, nil): break
            }
        }
    }

    package var isEmpty: Bool { values.isEmpty }

    package var description: String { values.map { "\($0.name)=\($0.value)" }.joined(separator: ",") }

    package static func == (left: Self, right: Self) -> Bool { left.description == right.description }
}

/// An override of a setting that there is not.
package struct OverrideError: Error, Equatable, CustomStringConvertible {
    package let name: String
    let known: [String]

    package var description: String { "no setting \(name); there are \(known.joined(separator: " "))" }
}
