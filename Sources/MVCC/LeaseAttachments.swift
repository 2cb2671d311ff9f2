package import Primitives

/// What the keys need to know of the leases, and the leases of the keys.
package protocol LeaseAttachments: AnyObject {
    func exists(_ id: LeaseID) -> Bool
    /// `key` now lives as long as `lease`. A lease that does not exist is ignored: a restored file may name one.
    func attach(key: Bytes, to lease: LeaseID)
    /// `key` no longer lives with `lease`, which may be gone.
    func detach(key: Bytes, from lease: LeaseID)
}
