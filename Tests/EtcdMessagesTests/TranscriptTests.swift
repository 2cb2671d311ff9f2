import Primitives
import Testing

@testable import EtcdMessages

/// What a real etcd 3.6.14 was asked and answered, decoded and refused as it did.
@Suite struct TranscriptTests {
    private static let refusal = "grpc: error unmarshalling request: "

    @Test(arguments: Transcripts.names)
    func requestsAreReadOrRefusedAsByEtcd(name: String) throws {
        var count = 0
        for line in try Transcripts.lines(name) {
            guard let rpc = line.rpc, let (type, _) = Transcripts.types(of: rpc) else { continue }
            for request in (line.requests ?? []) + [line.request].compactMap(\.self) {
                let text = check(type, Bytes(request))
                if let message = line.message, message.hasPrefix(Self.refusal) {
                    #expect(text == String(message.dropFirst(Self.refusal.count)), "\(line.what ?? rpc)")
                } else if line.message?.contains("failed to unmarshal") != true {
                    #expect(text == nil, "\(line.what ?? rpc): \(Bytes(request))")
                }
                count += 1
            }
        }
        #expect(count > (name == "watch" ? 0 : 20), "\(name)")
    }

    /// The text of the error, or nil if the bytes are a message, which is then checked to be written as it was.
    private func check<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) -> String? {
        do throws(MessageError) {
            let (message, isCanonical) = try MessageDecoder().decodeCanonical(type, bytes.span.bytes)
            #expect((try? type.init(decoding: message.encoded())) == message)
            if isCanonical, bytes.count < 10_000 {
                #expect(message.encoded().count <= bytes.count, "\(type) \(bytes)")
            }
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: Transcripts.names)
    func answersAreWrittenAsByEtcd(name: String) throws {
        var count = 0
        for line in try Transcripts.lines(name) {
            guard let rpc = line.rpc, let (_, type) = Transcripts.types(of: rpc) else { continue }
            for response in (line.responses ?? []) + [line.response].compactMap(\.self) {
                let bytes = Bytes(response)
                let (encoded, isCanonical) = try again(type, bytes)
                #expect(encoded == bytes && isCanonical, "\(rpc): \(bytes)")
                count += 1
            }
        }
        #expect(count > (name == "watch" ? 0 : 20), "\(name)")
    }

    private func again<Message: EtcdMessage>(_ type: Message.Type, _ bytes: Bytes) throws -> (Bytes, Bool) {
        let (message, isCanonical) = try MessageDecoder().decodeCanonical(type, bytes.span.bytes)
        return (message.encoded(), isCanonical)
    }

    @Test func watchRequestsAreRead() throws {
        var count = 0
        for line in try Transcripts.lines("watch") {
            guard let send = line.send else { continue }
            _ = try WatchRequest(decoding: Bytes(send))
            count += 1
        }
        #expect(count > 100)
    }
}
