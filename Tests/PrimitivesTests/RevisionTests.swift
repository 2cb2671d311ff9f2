import Primitives
import Testing

@Suite struct RevisionTests {
    @Test func bucketKeyIsBigEndianWithSeparator() {
        let key = Revision(main: 2, sub: 0).bucketKey()
        #expect(key == [0, 0, 0, 0, 0, 0, 0, 2, 0x5f, 0, 0, 0, 0, 0, 0, 0, 0])
        let tombstone = Revision(main: 3, sub: 1).bucketKey(isTombstone: true)
        #expect(tombstone == [0, 0, 0, 0, 0, 0, 0, 3, 0x5f, 0, 0, 0, 0, 0, 0, 0, 1, 0x74])
    }

    @Test(arguments: [Revision.zero, Revision(main: 1 << 40, sub: 7), Revision(main: .max, sub: .max)])
    func bucketKeyIsReadBack(revision: Revision) throws {
        for isTombstone in [false, true] {
            let read = try #require(Revision.parse(bucketKey: revision.bucketKey(isTombstone: isTombstone)))
            #expect(read.revision == revision)
            #expect(read.isTombstone == isTombstone)
        }
    }

    @Test func otherKeysAreRefused() {
        let key = Revision(main: 2, sub: 0).bucketKey()
        #expect(Revision.parse(bucketKey: []) == nil)
        #expect(Revision.parse(bucketKey: Bytes(key.dropLast())) == nil)
        #expect(Revision.parse(bucketKey: key + [0x75]) == nil)
        #expect(Revision.parse(bucketKey: key + [0x74, 0x74]) == nil)
        var broken = key
        broken[8] = 0
        #expect(Revision.parse(bucketKey: broken) == nil)
    }
}
