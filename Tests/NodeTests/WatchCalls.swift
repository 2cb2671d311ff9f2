import EtcdMessages
import Node
import Primitives

/// Opens a stream with one watch. The end of the range is that of the request: none is the key alone.
func watch(_ member: TestMember, _ key: String, to end: String = "", from start: Int64 = 0) -> RequestToken {
    let stream = member.token()
    member.node.openWatchStream(stream)
    var request = WatchCreateRequest()
    request.key = Bytes(text: key)
    request.rangeEnd = Bytes(text: end)
    request.startRevision = start
    member.node.createWatch(request, on: stream)
    member.pump()
    return stream
}
