# What one does with Martlet. Every target is a script or a command one can as well run by hand.
SWIFT ?= swift
RELEASE = .build/release/martlet
# Swift's libraries go into the program: it runs where there is no Swift. The same for all products, so that none undoes another's.
BUILD = $(SWIFT) build -c release --static-swift-stdlib --product
SEED ?= 1
RUNS ?= 20000
CLUSTERS ?= 2000

.PHONY: run release test unit judge compatibility check fix fuzz sim soak bench fresh clean dependencies test-dependencies

run: release # one durable member on 127.0.0.1:2379, its data in ./default.etcd
	$(RELEASE)

release: dependencies
	$(BUILD) martlet

test: check unit compatibility

check: test-dependencies
	Scripts/check

unit: test-dependencies
	$(SWIFT) test --quiet

judge: dependencies ## the checker of recorded histories, which the tests of clusters need
	$(BUILD) martlet-sim

compatibility: release judge test-dependencies
	Scripts/fetch-oracles
	Scripts/test-compatibility

bench: dependencies test-dependencies ## a real etcd and Martlet under the same load, as ratios; BENCH holds more words for Scripts/bench
	$(BUILD) martlet
	$(BUILD) martlet-bench
	Scripts/fetch-oracles
	Scripts/bench $(BENCH)

sim: test-dependencies ## many seeds of the simulator; SEED, RUNS and CLUSTERS choose which
	$(BUILD) martlet-sim
	.build/release/martlet-sim --seed $(SEED) --runs $(RUNS)
	.build/release/martlet-sim --members 0 --seed $(SEED) --runs $(CLUSTERS)

SECONDS_OF_SOAK ?= 600
SOAK ?= --seconds $(SECONDS_OF_SOAK)
soak: release judge test-dependencies ## a load shaped like that of Kubernetes, with restarts; ten minutes. SOAK="clusters 10": clusters instead
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
