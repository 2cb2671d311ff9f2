/// Watchers in no order of meaning, from which any can be taken at once: each knows its place. The order follows from
/// what was added and removed alone.
struct WatcherList {
    /// Which of a watcher's places this list keeps.
    enum Role {
        case index, catchUp, stream
    }

    private let role: Role
    private(set) var watchers: [Watcher] = []

    init(_ role: Role) {
        self.role = role
    }

    var isEmpty: Bool { watchers.isEmpty }
    var count: Int { watchers.count }

    mutating func append(_ watcher: Watcher) {
        watcher[place: role] = watchers.count
        watchers.append(watcher)
    }

    mutating func remove(_ watcher: Watcher) {
        let place = watcher[place: role]
        guard let last = watchers.popLast() else { return }
        if last !== watcher {
            watchers[place] = last
            last[place: role] = place
        }
    }
}

extension Watcher {
    fileprivate subscript(place role: WatcherList.Role) -> Int {
        get {
            switch role {
            case .index: indexPlace
            case .catchUp: catchUpPlace
            case .stream: streamPlace
            }
        }
        set {
            switch role {
            case .index: indexPlace = newValue
            case .catchUp: catchUpPlace = newValue
            case .stream: streamPlace = newValue
            }
        }
    }
}
