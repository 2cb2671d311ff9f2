import Auth
import EtcdMessages
import Primitives
import SimulatedPlatform
import Store
import Testing

/// Changes of users and roles: what each does, what refuses it, and what it does to the revision.
@Suite struct AuthStoreTests {
    private let fixture: AuthFixture
    private var auth: AuthStore { fixture.auth }

    init() throws {
        fixture = try AuthFixture()
    }

    @Test func aNewStoreHasRevisionOne() throws {
        #expect(auth.revision == 1 && !auth.isEnabled)
        #expect(try fixture.store.value(.auth, key: AuthStore.revisionKey) == [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(try fixture.store.value(.auth, key: AuthStore.enabledKey) == nil)
        try fixture.expectStored()
    }

    @Test func turnedOnAndOff() throws {
        try fixture.expectRefused(.rootUserNotExist) { try auth.enable() }
        try fixture.addUser("root")
        try fixture.expectRefused(.rootRoleNotExist) { try auth.enable() }
        auth.disable()
        #expect(auth.revision == 2)
        try fixture.grantRole("root", "root")
        try auth.enable()
        #expect(auth.isEnabled && auth.revision == 3)
        try auth.enable()
        #expect(auth.revision == 3)
        try fixture.expectStored()
        #expect(try fixture.store.value(.auth, key: AuthStore.enabledKey) == [1])
        _ = try fixture.authenticate("root", prefix: "abc", index: 5)
        auth.disable()
        #expect(!auth.isEnabled && auth.revision == 4 && auth.tokens.count == 0)
        #expect(try fixture.store.value(.auth, key: AuthStore.enabledKey) == [0])
        try fixture.expectStored()
    }

    @Test func users() throws {
        try fixture.expectRefused(.userEmpty) { try fixture.addUser("") }
        try fixture.addUser("a", hashedPassword: "aGFzaA==")
        #expect(auth.revision == 2)
        #expect(auth.user(Bytes(text: "a"))?.password == Bytes(text: "hash"))
        // The options are written even when nothing is set in them.
        let record = try #require(try fixture.store.value(.authUsers, key: Bytes(text: "a")))
        #expect(record == [0x0a, 1, 0x61, 0x12, 4] + Bytes(text: "hash") + [0x22, 0])
        try fixture.expectRefused(.userAlreadyExist) { try fixture.addUser("a") }
        try fixture.expectRefused(.noPasswordUser) { try fixture.addUser("b", hashedPassword: "***") }
        try fixture.addUser("b", hashedPassword: "***", noPassword: true)
        #expect(auth.user(Bytes(text: "b"))?.password == [])
        try fixture.expectRefused(.userNotFound) { try auth.deleteUser(Bytes(text: "z")) }
        try auth.deleteUser(Bytes(text: "a"))
        #expect(auth.revision == 4 && auth.userNames == [Bytes(text: "b")])
        try fixture.expectStored()
    }

    @Test func anEntryWithAPasswordInPlainTextIsRefused() throws {
        var add = AuthUserAddRequest()
        add.name = [1]
        add.password = [2]
        let refusal = EtcdError.malformedEntry("a password that is not hashed")
        try fixture.expectRefused(refusal) { try auth.addUser(add) }
        add.options = UserAddOptions()
        try fixture.expectRefused(refusal) { try auth.addUser(add) }
        add.options?.noPassword = true
        try auth.addUser(add)
        #expect(auth.user([1])?.password == [])
    }

    @Test func namesAsLongAsABucketKeyMayBe() throws {
        let longest = String(repeating: "x", count: 32768)
        try fixture.addUser(longest)
        try auth.addRole(Bytes(text: longest))
        try fixture.expectRefused(.malformedEntry("a user of too long a name")) { try fixture.addUser(longest + "x") }
        try fixture.expectRefused(.malformedEntry("a role of too long a name")) {
            try auth.addRole(Bytes(text: longest + "x"))
        }
    }

    @Test func passwords() throws {
        try fixture.addUser("a", hashedPassword: "aGFzaA==")
        try fixture.addUser("n", noPassword: true)
        try fixture.expectRefused(.userNotFound) { try fixture.changePassword("z", hashed: "") }
        try fixture.expectRefused(.noPasswordUser) { try fixture.changePassword("a", hashed: "a") }
        try fixture.changePassword("a", hashed: "bmV3")
        #expect(auth.user(Bytes(text: "a"))?.password == Bytes(text: "new") && auth.revision == 4)
        try fixture.changePassword("n", hashed: "bmV3")
        #expect(auth.user(Bytes(text: "n"))?.password == [] && auth.revision == 5)
        try fixture.changePassword("a", hashed: "")
        #expect(auth.user(Bytes(text: "a"))?.password == [])
        try fixture.expectStored()
    }

    @Test func rolesOfUsers() throws {
        try auth.addRole(Bytes(text: "r"))
        try auth.addRole(Bytes(text: "b"))
        try fixture.addUser("a")
        try fixture.expectRefused(.userNotFound) { try fixture.grantRole("z", "r") }
        try fixture.expectRefused(.roleNotFound) { try fixture.grantRole("a", "q") }
        try fixture.expectRefused(.userNotFound) { try fixture.grantRole("z", "root") }
        for role in ["root", "r", "b"] { try fixture.grantRole("a", role) }
        #expect(auth.user(Bytes(text: "a"))?.roles.map(\.text) == ["b", "r", "root"])
        #expect(auth.revision == 7)
        try fixture.grantRole("a", "r")
        #expect(auth.revision == 7)
        try fixture.expectRefused(.userNotFound) { try fixture.revokeRole("z", "r") }
        try fixture.expectRefused(.roleNotGranted) { try fixture.revokeRole("a", "q") }
        try fixture.revokeRole("a", "r")
        #expect(auth.user(Bytes(text: "a"))?.roles.map(\.text) == ["b", "root"] && auth.revision == 8)
        try fixture.expectStored()
    }

    @Test func roles() throws {
        try fixture.expectRefused(.roleEmpty) { try auth.addRole([]) }
        try auth.addRole(Bytes(text: "r"))
        try fixture.expectRefused(.roleAlreadyExist) { try auth.addRole(Bytes(text: "r")) }
        try fixture.expectRefused(.roleNotFound) { try auth.deleteRole(Bytes(text: "q")) }
        for user in ["a", "b", "c"] { try fixture.addUser(user) }
        for user in ["a", "c"] { try fixture.grantRole(user, "r") }
        try fixture.grantRole("c", "root")
        #expect(auth.revision == 8)
        try auth.deleteRole(Bytes(text: "r"))
        #expect(auth.revision == 9 && auth.roleNames == [])
        #expect(auth.user(Bytes(text: "a"))?.roles == [] && auth.user(Bytes(text: "c"))?.roles == [AuthStore.root])
        try fixture.expectStored()
    }

    @Test func rootIsProtectedWhileAuthenticationIsOn() throws {
        try auth.addRole(AuthStore.root)
        try fixture.enable()
        try fixture.expectRefused(.invalidAuthMgmt) { try auth.deleteUser(AuthStore.root) }
        try fixture.expectRefused(.invalidAuthMgmt) { try auth.deleteRole(AuthStore.root) }
        try fixture.expectRefused(.invalidAuthMgmt) { try fixture.revokeRole("root", "root") }
        auth.disable()
        try fixture.revokeRole("root", "root")
        try auth.deleteRole(AuthStore.root)
        try auth.deleteUser(AuthStore.root)
        try fixture.expectStored()
    }

    @Test func permissionsThatAreRefused() throws {
        try fixture.expectRefused(.permissionNotGiven) { try auth.grantPermission(AuthRoleGrantPermissionRequest()) }
        for (key, end) in [([], []), ([], [0]), ([2], [2]), ([2], [1]), ([2], [0, 0])] as [(Bytes, Bytes)] {
            try fixture.expectRefused(.invalidAuthMgmt) { try fixture.grant("r", .read, key, end) }
        }
        try fixture.expectRefused(.roleNotFound) { try fixture.grant("r", .read, [1]) }
        try fixture.expectRefused(.roleNotFound) { try fixture.revoke("r", [1]) }
        try auth.addRole(Bytes(text: "r"))
        try fixture.expectRefused(.permissionNotGranted) { try fixture.revoke("r", [1]) }
    }

    @Test func permissionsAreKeptInOrderOfTheirKeys() throws {
        try auth.addRole(Bytes(text: "r"))
        try fixture.grant("r", .read, [3])
        try fixture.grant("r", .write, [1], [2])
        try fixture.grant("r", .read, [1])
        func shown() -> [[Int]] {
            (auth.role(Bytes(text: "r"))?.keyPermission ?? []).map {
                [Int($0.permType.rawValue)] + $0.key.map(Int.init) + $0.rangeEnd.map(Int.init)
            }
        }
        #expect(shown() == [[1, 1, 2], [0, 1], [0, 3]] && auth.revision == 5)
        // The first permission of the key is replaced, another is not found.
        try fixture.grant("r", .readWrite, [1], [2])
        #expect(shown() == [[2, 1, 2], [0, 1], [0, 3]] && auth.revision == 6)
        try fixture.grant("r", .write, [1])
        #expect(shown() == [[2, 1, 2], [0, 1], [1, 1], [0, 3]] && auth.revision == 7)
        try fixture.expectRefused(.permissionNotGranted) { try fixture.revoke("r", [1], [3]) }
        try fixture.revoke("r", [1])
        #expect(shown() == [[2, 1, 2], [0, 3]] && auth.revision == 8)
        try fixture.expectStored()
    }

    @Test func tokens() throws {
        try fixture.expectRefused(.authNotEnabled) { _ = try fixture.authenticate("root", prefix: "p", index: 9) }
        try fixture.addUser("n", noPassword: true)
        try fixture.addUser("a")
        try fixture.addUser("b")
        try fixture.enable()
        try fixture.expectRefused(.authFailed) { _ = try fixture.authenticate("z", prefix: "p", index: 9) }
        try fixture.expectRefused(.authFailed) { _ = try fixture.authenticate("n", prefix: "p", index: 9) }
        let revision = auth.revision
        #expect(try fixture.authenticate("a", prefix: "LVFxmwiJtKIfNrYp", index: 13).text == "LVFxmwiJtKIfNrYp.13")
        #expect(try fixture.authenticate("a", prefix: "x", index: 14).text == "x.14")
        #expect(try fixture.authenticate("b", prefix: "x", index: 15).text == "x.15")
        #expect(try fixture.authenticate("b", prefix: "", index: 16) == [])
        #expect(auth.revision == revision && auth.tokens.count == 3)
        #expect(auth.tokens.user(of: Bytes(text: "x.14")) == Bytes(text: "a"))
        #expect(auth.tokens.user(of: Bytes(text: "x.16")) == nil)
        try fixture.changePassword("a", hashed: "")
        #expect(auth.tokens.count == 1 && auth.tokens.user(of: Bytes(text: "x.15")) == Bytes(text: "b"))
        try auth.deleteUser(Bytes(text: "b"))
        #expect(auth.tokens.count == 0)
        _ = try fixture.authenticate("a", prefix: "y", index: 17)
        auth.tokens.remove(Bytes(text: "y.17"))
        #expect(auth.tokens.user(of: Bytes(text: "y.17")) == nil)
    }

    @Test func recordsThatAreNotAsTheyMustBe() throws {
        for (bucket, key, value) in [
            (Bucket.auth, AuthStore.revisionKey, [1]), (.authUsers, [1], [0xff]), (.authUsers, [1], [0x0a, 1, 2]),
            (.authRoles, [1], [0xff]), (.authRoles, [1], []),
        ] as [(Bucket, Bytes, Bytes)] {
            let store = try Store.open(disk: SimulatedDisk(), path: "/db")
            store.put(bucket, key: key, value: value)
            #expect(throws: StoreError.self) { try AuthStore(store: store) }
        }
    }
}
