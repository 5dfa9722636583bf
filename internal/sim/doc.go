// Package sim simulates imports that crash. See TestSimulation.
package sim
