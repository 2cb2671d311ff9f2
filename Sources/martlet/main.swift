internal import Glibc
internal import Platform

FreedMemory.keepForReuse()
exit(Command.run(Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.variables))
