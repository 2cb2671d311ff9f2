internal import Metrics
internal import Platform

extension ProcessFigures {
    /// The process as Go's client shows any, and etcd's own view of its files. What cannot be read is left out.
    var families: [MetricFamily] {
        func gauge(_ name: String, _ help: String, _ value: Double?) -> MetricFamily {
            MetricFamily(.gauge, name, help, value.map { [MetricSample($0)] } ?? [])
        }
        func counter(_ name: String, _ help: String, _ value: Double?) -> MetricFamily {
            MetricFamily(.counter, name, help, value.map { [MetricSample($0)] } ?? [])
        }
        let openFiles = openFileCount.map { Double($0) }
        let maxFiles = maxFileCount.map { Double($0) }
        return [
            counter(
                "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpuSeconds),
            gauge("process_open_fds", "Number of open file descriptors.", openFiles),
            gauge("process_max_fds", "Maximum number of open file descriptors.", maxFiles),
            gauge(
                "process_virtual_memory_bytes", "Virtual memory size in bytes.", virtualByteCount.map { Double($0) }),
            gauge(
                "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
                maxVirtualByteCount.map { Double($0) }),
            gauge(
                "process_resident_memory_bytes", "Resident memory size in bytes.", residentByteCount.map { Double($0) }),
            gauge(
                "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
                startUnixSeconds),
            counter(
                "process_network_receive_bytes_total", "Number of bytes received by the process over the network.",
                receivedByteCount.map { Double($0) }),
            counter(
                "process_network_transmit_bytes_total", "Number of bytes sent by the process over the network.",
                sentByteCount.map { Double($0) }),
            gauge("os_fd_used", "The number of used file descriptors.", openFiles),
            gauge("os_fd_limit", "The file descriptor limit.", maxFiles),
        ]
    }
}
