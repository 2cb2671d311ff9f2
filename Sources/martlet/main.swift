internal import Glibc
internal import Platform

exit(Command.run(Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.variables))
