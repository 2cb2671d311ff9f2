import Node
import Testing

@Suite struct RequestTokenTests {
    @Test func everyAskerHasNumbersOfItsOwn() {
        let askers: [RequestToken.Asker] = [.call, .recipe, .http, .peer, .member]
        for number in [0, 1, RequestToken.greatestNumber] {
            let tokens = askers.map { RequestToken($0, number) }
            #expect(Set(tokens).count == askers.count)
            #expect(tokens.map(\.asker) == askers)
            #expect(tokens.allSatisfy { $0.number == number })
        }
    }

    @Test func aNumberThatIsTooGreatDoesNotReachTheAsker() {
        let token = RequestToken(.recipe, .max)
        #expect(token.asker == .recipe && token.number == RequestToken.greatestNumber)
    }

    @Test func theTokenOfACallIsThatOfACall() {
        // As made of the index of a slot, of which there are 2^28 at most, and of how often it was used.
        #expect(RequestToken(rawValue: UInt64(1 << 28 - 1) << 32 | UInt64(UInt32.max)).asker == .call)
    }
}
