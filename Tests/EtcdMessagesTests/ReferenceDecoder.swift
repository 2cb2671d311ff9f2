import Primitives
import Synchronization

@testable import EtcdMessages

/// A field's value as the reference decoder keeps it.
indirect enum Node: Equatable {
    case number(UInt64)
    case bytes(Bytes)
    case message(Nodes)
}

/// Field number -> values, in the order of the bytes.
typealias Nodes = [Int: [Node]]

enum ReferenceError: Error {
    case malformed
    case tooDeep
}

/// A decoder of protobuf by its rules, and gogo's where they leave a choice, that shares nothing with the one under
/// test but the description of the messages.
struct ReferenceDecoder {
    let maxDepth: Int

    static func decode<Message: EtcdMessage>(_ bytes: Bytes, as type: Message.Type) throws -> Nodes {
        var nodes: Nodes = [:]
        try ReferenceDecoder(maxDepth: type.maxDepth).decode(bytes[...], type.schema, &nodes, depth: 1)
        return nodes
    }

    private func decode(_ content: ArraySlice<UInt8>, _ schema: MessageSchema, _ nodes: inout Nodes, depth: Int) throws
    {
        guard depth <= maxDepth else { throw ReferenceError.tooDeep }
        let fields = FieldCache.fields(of: schema)
        var rest = content
        while !rest.isEmpty {
            let fieldStart = rest
            let tag = try varint(&rest)
            let number = Int32(truncatingIfNeeded: tag >> 3)
            let wireType = tag & 7
            guard wireType != 4, number > 0 else { throw ReferenceError.malformed }
            guard let field = fields[Int(number)] else {
                rest = fieldStart
                try skip(&rest)
                continue
            }
            switch (field.kind, wireType) {
            case (.bytes, 2):
                set(field, .bytes(Bytes(try delimited(&rest))), fields, &nodes)
            case (.message(let nested), 2):
                var value: Nodes = [:]
                if !field.isRepeated, !field.isInOneof, case .message(let earlier)? = nodes[field.number]?.first {
                    value = earlier
                }
                try decode(try delimited(&rest), nested, &value, depth: depth + 1)
                set(field, .message(value), fields, &nodes)
            case (.bytes, _), (.message, _):
                throw ReferenceError.malformed
            case (_, 0):
                set(field, .number(truncated(try varint(&rest), field.kind)), fields, &nodes)
            case (_, 2) where field.isRepeated:
                var packed = try delimited(&rest)
                while !packed.isEmpty {
                    set(field, .number(truncated(try varint(&packed), field.kind)), fields, &nodes)
                }
            default:
                throw ReferenceError.malformed
            }
        }
    }

    private func set(_ field: FieldSchema, _ value: Node, _ fields: [Int: FieldSchema], _ nodes: inout Nodes) {
        if field.isRepeated {
            nodes[field.number, default: []].append(value)
            return
        }
        if field.isInOneof {
            for other in fields.values where other.isInOneof { nodes[other.number] = nil }
        }
        nodes[field.number] = [value]
    }

    private func truncated(_ value: UInt64, _ kind: FieldSchema.Kind) -> UInt64 {
        switch kind {
        case .boolean: value == 0 ? 0 : 1
        case .enumeration: UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
        case .integer32: UInt64(UInt32(truncatingIfNeeded: value))
        default: value
        }
    }

    private func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<10 {
            guard let byte = rest.popFirst() else { throw ReferenceError.malformed }
            value |= UInt64(byte & 0x7F) << UInt64(7 * index)
            if byte < 0x80 { return value }
        }
        throw ReferenceError.malformed
    }

    private func delimited(_ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
        let length = try varint(&rest)
        guard length <= UInt64(rest.count) else { throw ReferenceError.malformed }
        let content = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        return content
    }

    private func skip(_ rest: inout ArraySlice<UInt8>) throws {
        var openGroups = 0
        repeat {
            switch try varint(&rest) & 7 {
            case 0: _ = try varint(&rest)
            case 1: try drop(8, &rest)
            case 2: _ = try delimited(&rest)
            case 3: openGroups += 1
            case 4: openGroups -= 1
            case 5: try drop(4, &rest)
            default: throw ReferenceError.malformed
            }
            if openGroups < 0 { throw ReferenceError.malformed }
        } while openGroups > 0
    }

    private func drop(_ count: Int, _ rest: inout ArraySlice<UInt8>) throws {
        guard rest.count >= count else { throw ReferenceError.malformed }
        rest = rest.dropFirst(count)
    }
}

/// Without what an encoder may leave out: values at their default, and the messages that proto2 writes though they are
/// empty.
func normalized(_ nodes: Nodes, _ schema: MessageSchema) -> Nodes {
    var result: Nodes = [:]
    let fields = FieldCache.fields(of: schema)
    for (number, values) in nodes {
        guard let field = fields[number] else { continue }
        var kept: [Node] = []
        for value in values {
            switch value {
            case .message(let nodes):
                guard case .message(let nested) = field.kind else { continue }
                let inner = normalized(nodes, nested)
                let isAlwaysWritten = ["Snapshot", "SnapshotMetadata"].contains(schema.name) && !field.isRepeated
                if !inner.isEmpty || !isAlwaysWritten { kept.append(.message(inner)) }
            case .number(0) where !field.isRepeated && !field.isInOneof: break
            case .bytes([]) where !field.isRepeated && !field.isInOneof: break
            default: kept.append(value)
            }
        }
        if !kept.isEmpty { result[number] = kept }
    }
    return result
}

/// The fields of a message by number, worked out once.
enum FieldCache {
    private static let cache = Mutex<[UnsafeRawPointer: [Int: FieldSchema]]>([:])

    static func fields(of schema: MessageSchema) -> [Int: FieldSchema] {
        cache.withLock { cache in
            let key = UnsafeRawPointer(schema.descriptor)
            if let known = cache[key] { return known }
            let fields = Dictionary(uniqueKeysWithValues: schema.fields.map { ($0.number, $0) })
            cache[key] = fields
            return fields
        }
    }
}
