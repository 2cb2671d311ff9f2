internal import Auth
internal import Leases
internal import MVCC
package import Primitives

extension Lessor: LeaseAttachments {}

extension Lessor: LeaseKeys {
    package func keys(attachedTo lease: LeaseID) -> [Bytes] {
        self.lease(lease)?.sortedKeys ?? []
    }
}
