package import Primitives

extension V2StoreMembership {
    /// The JSON that a real etcd 3.6 or 3.7 would write, to the byte: that of a version 2 store into which the members were
    /// put one after another.
    package func encoded() -> Bytes {
        var store = V2StoreImage()
        for member in members {
            let path = "/0/members/\(member.id)"
            store.create("\(path)/raftAttributes", member.raftAttributes.encoded())
            // As in etcd: a member that has not started has no client URLs, and no attributes.
            if !member.clientURLs.isEmpty { store.set("\(path)/attributes", member.attributes.encoded()) }
        }
        for id in removed { store.create("/0/removed_members/\(id)", []) }
        if let clusterVersion { store.set("/0/version", clusterVersion) }
        return store.json.encoded()
    }
}

extension V2StoreMember {
    fileprivate var raftAttributes: JSONValue {
        var members = [JSONMember("peerURLs", .array(peerURLs.map { .string($0) }))]
        if isLearner { members.append(JSONMember("isLearner", .bool(true))) }
        return .object(members)
    }

    fileprivate var attributes: JSONValue {
        var members: [JSONMember] = []
        if !name.isEmpty { members.append(JSONMember("name", .string(name))) }
        members.append(JSONMember("clientURLs", .array(clientURLs.map { .string($0) })))
        return .object(members)
    }
}

/// A version 2 store that is only ever added to (etcd v3.6 `server/etcdserver/api/v2store`).
private struct V2StoreImage {
    private var root = V2StoreNode(path: "", index: 0)
    private var index = 0
    private var createCount = 0
    private var setCount = 0
    private var history = V2StoreHistory()

    init() {
        root.insert("/0", nil, index: 0)
        root.insert("/1", nil, index: 0)
    }

    mutating func create(_ path: String, _ value: Bytes) {
        createCount += 1
        add(path, value, action: "create")
    }

    mutating func set(_ path: String, _ value: Bytes) {
        setCount += 1
        add(path, value, action: "set")
    }

    private mutating func add(_ path: String, _ value: Bytes, action: String) {
        index += 1
        root.insert(path, value, index: index)
        history.append(action: action, path: path, value: value, index: index)
    }

    var json: JSONValue {
        .object([
            JSONMember("Root", root.json),
            JSONMember("WatcherHub", .object([JSONMember("EventHistory", history.json)])),
            JSONMember("CurrentIndex", .number(index)),
            JSONMember("Stats", statistics),
            JSONMember("CurrentVersion", .number(2)),
        ])
    }

    /// As etcd leaves them, which looks once whether there are members already.
    private var statistics: JSONValue {
        let counts: [(String, Int)] = [
            ("getsSuccess", 0), ("getsFail", 1), ("setsSuccess", setCount), ("setsFail", 0), ("deleteSuccess", 0),
            ("deleteFail", 0), ("updateSuccess", 0), ("updateFail", 0), ("createSuccess", createCount),
            ("createFail", 0), ("compareAndSwapSuccess", 0), ("compareAndSwapFail", 0), ("compareAndDeleteSuccess", 0),
            ("compareAndDeleteFail", 0), ("expireCount", 0), ("watchers", 0),
        ]
        return .object(counts.map { JSONMember($0, .number($1)) })
    }
}

/// A file or directory of a version 2 store.
private struct V2StoreNode {
    let path: String
    let index: Int
    /// Nil for a directory.
    var value: Bytes?
    /// Of a directory, in the order they were added.
    var children: [V2StoreNode] = []

    init(path: String, index: Int) {
        self.path = path
        self.index = index
    }

    /// Adds what is at a path below this directory, with the directories that lead there.
    mutating func insert(_ target: String, _ newValue: Bytes?, index: Int) {
        let rest = target.utf8.dropFirst(path.utf8.count + 1)
        let nameEnd = rest.firstIndex(of: UInt8(ascii: "/")) ?? target.utf8.endIndex
        let childPath = String(target[..<nameEnd])
        let position: Int
        if let found = children.firstIndex(where: { $0.path == childPath }) {
            position = found
        } else {
            children.append(V2StoreNode(path: childPath, index: index))
            position = children.count - 1
        }
        if nameEnd == target.utf8.endIndex {
            children[position].value = newValue
        } else {
            children[position].insert(target, newValue, index: index)
        }
    }

    var json: JSONValue {
        // Go writes a map in the order of its keys.
        let sorted = children.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let members = sorted.map { child in
            JSONMember(key: Bytes(child.path.utf8.dropFirst(path.utf8.count + 1)), value: child.json)
        }
        return .object([
            JSONMember("Path", .string(text: path.isEmpty ? "/" : path)),
            JSONMember("CreatedIndex", .number(index)),
            JSONMember("ModifiedIndex", .number(index)),
            JSONMember("ExpireTime", .string(text: "0001-01-01T00:00:00Z")),
            JSONMember("Value", .string(value ?? [])),
            JSONMember("Children", value == nil ? .object(members) : .null),
        ])
    }
}

/// The last thousand changes of a version 2 store, in a ring.
private struct V2StoreHistory {
    private static let capacity = 1000
    private var events: [JSONValue] = []
    private var lastIndex = 0

    mutating func append(action: String, path: String, value: Bytes, index: Int) {
        let node: JSONValue = .object([
            JSONMember("key", .string(text: path)), JSONMember("value", .string(value)),
            JSONMember("modifiedIndex", .number(index)), JSONMember("createdIndex", .number(index)),
        ])
        events.append(.object([JSONMember("action", .string(text: action)), JSONMember("node", node)]))
        lastIndex = index
    }

    var json: JSONValue {
        let size = min(events.count, V2StoreHistory.capacity)
        let back = events.count % V2StoreHistory.capacity
        let front = events.count > V2StoreHistory.capacity ? back : 0
        var ring = [JSONValue](repeating: .null, count: V2StoreHistory.capacity)
        for (position, event) in events.enumerated().suffix(size) { ring[position % V2StoreHistory.capacity] = event }
        let queue: JSONValue = .object([
            JSONMember("Events", .array(ring)), JSONMember("Size", .number(size)), JSONMember("Front", .number(front)),
            JSONMember("Back", .number(back)), JSONMember("Capacity", .number(V2StoreHistory.capacity)),
        ])
        // One change for each index, so the oldest kept is known.
        let startIndex = events.isEmpty ? 0 : lastIndex - size + 1
        return .object([
            JSONMember("Queue", queue), JSONMember("StartIndex", .number(startIndex)),
            JSONMember("LastIndex", .number(lastIndex)),
        ])
    }
}
