import Environment
import Primitives

@testable import EtcdMessages

/// Writes random messages of any type from its description.
struct MessageGenerator {
    enum Style {
        /// As a good encoder does it, apart from the order.
        case canonical
        /// All that decoders must take: unknown fields and groups, fields given twice, padded numbers.
        case wild
    }

    var entropy: SeededEntropy
    let style: Style

    init(seed: UInt64, style: Style) {
        entropy = SeededEntropy(seed: seed)
        self.style = style
    }

    mutating func message(_ schema: MessageSchema, depth: Int = 4) -> Bytes {
        let fields = schema.fields
        var result: Bytes = []
        var used: Set<Int> = []
        var isOneofUsed = false
        for _ in 0..<Int.random(in: 0...7, using: &entropy) {
            if style == .wild && chance(10) { result += unknownField(depth: 3) }
            guard let field = fields.randomElement(using: &entropy) else { continue }
            if style == .canonical && !field.isRepeated {
                if field.isInOneof ? isOneofUsed : used.contains(field.number) { continue }
                used.insert(field.number)
                if field.isInOneof { isOneofUsed = true }
            }
            if case .message = field.kind, depth == 0 { continue }
            result += self.field(field, depth: depth)
        }
        return result
    }

    private mutating func field(_ field: FieldSchema, depth: Int) -> Bytes {
        switch field.kind {
        case .bytes:
            return tag(field.number, 2) + delimited(bytes())
        case .message(let nested):
            return tag(field.number, 2) + delimited(message(nested, depth: depth - 1))
        default:
            guard field.isRepeated && chance(50) else { return tag(field.number, 0) + value(field.kind) }
            var packed: Bytes = []
            for _ in 0..<Int.random(in: 0...5, using: &entropy) { packed += value(field.kind) }
            return tag(field.number, 2) + delimited(packed)
        }
    }

    private mutating func unknownField(depth: Int) -> Bytes {
        // No message has fields of these numbers.
        let number = [50, 99, 20_000, (1 << 29) - 1].randomElement(using: &entropy) ?? 50
        switch Int.random(in: 0..<5, using: &entropy) {
        case 0: return tag(number, 0) + varint(number64())
        case 1: return tag(number, 1) + (0..<8).map { _ in byte() }
        case 2: return tag(number, 2) + delimited(bytes())
        case 3:
            guard depth > 0 else { return [] }
            return tag(number, 3) + unknownField(depth: depth - 1) + unknownField(depth: depth - 1) + tag(number, 4)
        default: return tag(number, 5) + (0..<4).map { _ in byte() }
        }
    }

    private mutating func tag(_ number: Int, _ wireType: Int) -> Bytes {
        // Go keeps 32 bits of a number: now and then with a bit above them.
        let beyond: UInt64 = style == .wild && chance(1) ? 1 << 40 : 0
        return varint(UInt64(number) << 3 | UInt64(wireType) | beyond)
    }

    private mutating func value(_ kind: FieldSchema.Kind) -> Bytes {
        guard style == .canonical, case .boolean = kind else { return varint(number64()) }
        return [UInt8.random(in: 0...1, using: &entropy)]
    }

    private mutating func delimited(_ content: Bytes) -> Bytes {
        varint(UInt64(content.count)) + content
    }

    private mutating func bytes() -> Bytes {
        let count = chance(3) ? Int.random(in: 100...400, using: &entropy) : Int.random(in: 0...12, using: &entropy)
        return (0..<count).map { _ in byte() }
    }

    private mutating func byte() -> UInt8 {
        chance(20) ? 0 : UInt8.random(in: 0...255, using: &entropy)
    }

    private mutating func number64() -> UInt64 {
        let special: [UInt64] = [
            0, 1, 2, 5, 127, 128, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) + 1, 1 << 63, UInt64.max, UInt64.max << 32,
        ]
        return chance(70)
            ? special.randomElement(using: &entropy) ?? 0
            : entropy.next() >> UInt64.random(in: 0...63, using: &entropy)
    }

    /// A varint, now and then of more bytes than it needs.
    private mutating func varint(_ value: UInt64) -> Bytes {
        var result = encodedVarint(value)
        let room = 10 - result.count
        guard style == .wild, room > 0, chance(5) else { return result }
        result[result.count - 1] |= 0x80
        result += Bytes(repeating: 0x80, count: Int.random(in: 0..<room, using: &entropy)) + [0]
        return result
    }

    private mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &entropy) < percent
    }

    /// The bytes with a few of them changed.
    mutating func mutated(_ bytes: Bytes) -> Bytes {
        var result = bytes
        for _ in 0..<Int.random(in: 1...3, using: &entropy) {
            guard let place = result.indices.randomElement(using: &entropy) else { return [byte()] }
            switch Int.random(in: 0..<6, using: &entropy) {
            case 0: result[place] ^= 1 << UInt8.random(in: 0...7, using: &entropy)
            case 1: result[place] = byte()
            case 2: result.remove(at: place)
            case 3: result.insert(byte(), at: place)
            case 4: result.removeSubrange(place...)
            default: result.insert(contentsOf: result[place...].prefix(8), at: place)
            }
        }
        return result
    }
}

/// A varint as short as it can be.
func encodedVarint(_ value: UInt64) -> Bytes {
    var result: Bytes = []
    var rest = value
    while rest >= 0x80 {
        result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    return result + [UInt8(rest)]
}
