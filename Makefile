# What one does with Martlet. Every target is a script or a command one can as well run by hand.
SWIFT ?= swift
RELEASE = .build/release/martlet
# Swift's libraries go into the program: it runs where there is no Swift. The same for all products, so that none undoes another's.
BUILD = $(SWIFT) build -c release --static-swift-stdlib --product
# The simulator is a build of its own: known bugs and coverage marks are in its core, and never in what is shipped.
SIMULATOR = .build/simulation/release/martlet-sim
HOURS ?= 1
# Seeds that nobody has run before.
FIRST ?= $(shell date +%s)0000
KINDS ?= cluster,member,raft

.PHONY: run release test unit simulator simulation compatibility check fix fuzz sim soak bench fresh clean dependencies test-dependencies

run: release # one durable member on 127.0.0.1:2379, its data in ./default.etcd
	$(RELEASE)

release: dependencies
	$(BUILD) martlet

test: check unit simulation compatibility

check: test-dependencies
	Scripts/check

unit: test-dependencies
	$(SWIFT) test --quiet

simulator: dependencies ## whole clusters from one seed; also the checker of recorded histories, which the tests of clusters need
	$(SWIFT) build --traits Simulation -c release --static-swift-stdlib --scratch-path .build/simulation --product martlet-sim

simulation: simulator release test-dependencies ## the simulator's share of `make test`
	Scripts/test-simulation

compatibility: release simulator test-dependencies
	Scripts/fetch-oracles
	Scripts/test-compatibility

bench: dependencies test-dependencies ## a real etcd and Martlet under the same load, as ratios; BENCH holds more words for Scripts/bench
	$(BUILD) martlet
	$(BUILD) martlet-bench
	Scripts/fetch-oracles
	Scripts/bench $(BENCH)

sim: simulator ## new seeds for HOURS hours (1), with progress and a summary at the end: docs/simulation.md. KINDS and FIRST choose others
	$(SIMULATOR) --kind $(KINDS) --first $(FIRST) --hours $(HOURS)

SECONDS_OF_SOAK ?= 600
SOAK ?= --seconds $(SECONDS_OF_SOAK)
soak: release simulator test-dependencies ## a load shaped like that of Kubernetes, with restarts; ten minutes. SOAK="clusters 10": clusters instead
	Scripts/fetch-oracles
	Scripts/soak $(SOAK)

fresh: test-dependencies ## `make run` in a Debian root with nothing but Swift; half an hour
	Scripts/fetch-oracles
	Scripts/fresh-machine

fix: test-dependencies
	Scripts/generate-messages
	$(SWIFT) format format -i -r --configuration .swift-format Sources Tests Fuzz Package.swift

fuzz: test-dependencies
	Fuzz/run

clean:
	$(SWIFT) package clean

dependencies:
	@Scripts/install-dependencies build

test-dependencies:
	@Scripts/install-dependencies build test
