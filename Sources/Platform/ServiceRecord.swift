package import Primitives

/// Where a service of a domain is to be had: a record of DNS of the type SRV (RFC 2782).
package struct ServiceRecord: Equatable, Sendable {
    /// Lower ones are to be tried first.
    package var priority: UInt16
    /// Greater ones are to be tried more often than others of the same priority.
    package var weight: UInt16
    package var port: UInt16
    /// The host's full name, without the dot at its end.
    package var target: String

    package init(priority: UInt16, weight: UInt16, port: UInt16, target: String) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }

    /// The type's number.
    static let type: UInt16 = 33

    /// Reads the records out of an answer of DNS (RFC 1035, section 4.1), in the order in which they are to be tried. Records
    /// of other types, such as aliases on the way, are passed over; nil if the answer cannot be read.
    ///
    /// ```
    ///  0        2      4         6         8           10           12
    ///  | id     | flags| questions| answers | authorities| additional | questions ... | answers ...
    ///
    ///  answer: name | type 2 | class 2 | time to live 4 | length 2 | data
    ///  data of SRV: priority 2 | weight 2 | port 2 | target's name
    /// ```
    package static func list(answer: Bytes) -> [ServiceRecord]? {
        var reader = NameMessageReader(answer)
        guard reader.skip(4), let questionCount = reader.number(), let answerCount = reader.number(), reader.skip(4)
        else { return nil }
        for _ in 0..<questionCount { guard reader.name() != nil, reader.skip(4) else { return nil } }
        var records: [ServiceRecord] = []
        for _ in 0..<answerCount {
            guard reader.name() != nil, let type = reader.number(), reader.skip(6), let byteCount = reader.number()
            else { return nil }
            let end = reader.position + Int(byteCount)
            if type == Self.type {
                guard let priority = reader.number(), let weight = reader.number(), let port = reader.number(),
                    let target = reader.name(), reader.position == end
                else { return nil }
                records.append(ServiceRecord(priority: priority, weight: weight, port: port, target: target))
            } else {
                guard reader.skip(Int(byteCount)) else { return nil }
            }
        }
        return records.sorted {
            ($0.priority, $1.weight, $0.target, $0.port) < ($1.priority, $0.weight, $1.target, $1.port)
        }
    }
}

/// Reads a message of DNS. Whatever it holds, nothing outside it is read, and it comes to an end.
private struct NameMessageReader {
    private let bytes: Bytes
    private(set) var position = 0

    init(_ bytes: Bytes) {
        self.bytes = bytes
    }

    mutating func skip(_ count: Int) -> Bool {
        guard count <= bytes.count - position else { return false }
        position += count
        return true
    }

    mutating func number() -> UInt16? {
        guard bytes.count - position >= 2 else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    /// A name: parts with their lengths before them, and perhaps, in place of the last ones, where in the message they
    /// stand already. No name is longer than 255 bytes, so that one which points at itself ends too.
    mutating func name() -> String? {
        var parts: [String] = []
        var (place, byteCount) = (position, 0)
        var end: Int?
        while true {
            guard place < bytes.count else { return nil }
            let length = Int(bytes[place])
            switch length {
            case 0:
                position = end ?? place + 1
                return parts.joined(separator: ".")
            case 1..<64:
                byteCount += length + 1
                guard byteCount <= 255, place + 1 + length <= bytes.count else { return nil }
                parts.append(Bytes(bytes[(place + 1)..<(place + 1 + length)]).text)
                place += 1 + length
            case 0xC0...:
                guard place + 1 < bytes.count else { return nil }
                let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                // Only backwards, as all who write them do.
                guard target < place else { return nil }
                end = end ?? place + 2
                place = target
            default: return nil
            }
        }
    }
}
