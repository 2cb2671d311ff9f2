import Foundation
import Testing

@testable import martlet

/// `docs/flags.md` says what the table of flags says. `UPDATE_DOCUMENTATION=1 swift test` writes it anew.
@Suite struct FlagDocumentationTests {
    private static let path =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/docs/flags.md"

    private static let introduction = """
        # Flags

        Every flag that etcd 3.6 takes is taken here, with etcd's name, default and checks, in Go's style: `-name v`,
        `--name=v`, `--flag`, `--flag=false`. Each is also a variable of the environment (`ETCD_DATA_DIR` for `--data-dir`); a flag
        wins over its variable, with a warning, where etcd would not start. `--config-file` names a YAML or JSON file with the flags'
        names as keys (durations as whole nanoseconds) and etcd's nested keys; flags and environment are then ignored, as with etcd, and
        keys that stand for nothing are warned of.

        A command line that cannot be read ends the server with code 2 and the usage; one that cannot be carried out with code 1 and the
        reason in the log. What a flag does *not* do here is said in its line. A flag that is refused may be given its default.
        [clusters.md](clusters.md) says how members find and join each other.

        This file is written from `Sources/martlet/Flags/FlagTable.swift` by a test.

        """

    private static var text: String {
        var text = introduction
        for (group, flags) in FlagTable.byGroup {
            text += "\n## \(group.rawValue)\n\n| flag | default | |\n|---|---|---|\n"
            for flag in flags {
                let note = flag.effectNote.map { " **\($0)**" } ?? ""
                let value = flag.defaultText.isEmpty ? "" : "`\(flag.defaultText)`"
                text += "| `--\(flag.name)` | \(value) | \(flag.help)\(note) |\n"
            }
        }
        return text
    }

    @Test func theDocumentSaysWhatTheTableSays() throws {
        if ProcessInfo.processInfo.environment["UPDATE_DOCUMENTATION"] != nil {
            try Self.text.write(toFile: Self.path, atomically: true, encoding: .utf8)
        }
        let written = FileManager.default.contents(atPath: Self.path).map { String(decoding: $0, as: UTF8.self) }
        #expect(written == Self.text)
    }
}
