# What one does with Martlet. Every target is a script or a command one can as well run by hand.
SWIFT ?= swift
RELEASE = .build/release/martlet
SEED ?= 1
RUNS ?= 20000

.PHONY: run release test unit judge compatibility check fix fuzz sim soak bench clean dependencies test-dependencies

run: release # one durable member on 127.0.0.1:2379, its data in ./default.etcd
	$(RELEASE)

release: dependencies
	$(SWIFT) build -c release --product martlet

test: check unit compatibility

check: test-dependencies
	Scripts/check

unit: test-dependencies
	$(SWIFT) test --quiet

judge: dependencies ## the checker of recorded histories, which the tests of clusters need
	$(SWIFT) build -c release --product martlet-sim

compatibility: release judge test-dependencies
	Scripts/fetch-oracles
	Scripts/test-compatibility

bench: dependencies test-dependencies ## a real etcd and Martlet under the same load, as ratios; BENCH holds more words for Scripts/bench
	$(SWIFT) build -c release --product martlet
	$(SWIFT) build -c release --product martlet-bench
	Scripts/fetch-oracles
	Scripts/bench $(BENCH)

sim: test-dependencies ## many seeds of the simulator; SEED and RUNS choose which
	$(SWIFT) build -c release --product martlet-sim
	.build/release/martlet-sim --seed $(SEED) --runs $(RUNS)

SECONDS_OF_SOAK ?= 600
SOAK ?= --seconds $(SECONDS_OF_SOAK)
soak: release judge test-dependencies ## a load shaped like that of Kubernetes, with restarts; ten minutes. SOAK="clusters 10": clusters instead
	Scripts/fetch-oracles
	Scripts/soak $(SOAK)

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
