/// A first-in-first-out queue in one array, which is compacted when half of it has been taken.
struct WaitingQueue<Element> {
    private var elements: [Element] = []
    private var head = 0

    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Takes the first element away. There must be one.
    mutating func removeFirst() {
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= elements.count {
            elements.removeSubrange(0..<head)
            head = 0
        }
    }
}
