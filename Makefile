# make demo   sets everything up and shows the main job on a real model and a real photo
# make test   sets everything up and runs all tests
# make setup fetches what both need
.PHONY: demo test setup build lint format detective detective-sound mutants bench clean

demo:
	@Scripts/setup.sh demo
	swift build -c release --product exray
	@echo
	@.build/release/exray demo || [ $$? -eq 1 ]

# Release: numeric code is some 250 times slower without optimisation.
test:
	@Scripts/setup.sh test
	swift test -c release
	Scripts/check_linkage.sh
	Scripts/run_examples.sh

setup:
	@Scripts/setup.sh

build: setup
	swift build -c release --product exray

lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks Examples

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks Examples

# Cases that other libraries made: what exray identify finds, by kind of fault.
detective: build
	@Scripts/setup.sh test
	Scripts/detective.sh

# The same for sounds.
detective-sound: build
	@Scripts/setup.sh test
	Scripts/detective.sh sound

# Real models with one planted fault each: which op and which mechanism exray validate names.
mutants: build
	@Scripts/setup.sh test
	Scripts/mutants.sh

bench: build
	Benchmarks/run.sh

clean:
	rm -rf .build .deps
